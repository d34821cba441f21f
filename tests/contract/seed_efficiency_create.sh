curl -X POST "${BASE_URL}/v2/insights/efficiency/exports?projectIdentifier=${PROJECT_ID}&orgIdentifier=${ORG_ID}" \
-H "Content-Type: application/json" \
-H "authorization: ApiKey <YOUR_SEI_API_KEY>" \
-d '{
"scope": {
"teamId": "team_abc123"
},
"dateRange": {
"start": "2026-01-01",
"end": "2026-03-31"
},
"metricGroups": ["lttc", "df", "mttr", "cfr"], // Required
"options": {
"granularity": "MONTHLY",
"format": "csv",
"compression": "gzip"
}
}'
