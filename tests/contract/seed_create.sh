curl -X POST '<HARNESS_BASE_URL>/v2/insights/productivity/exports?projectIdentifier=<HARNESS_PROJECT_ID>&orgIdentifier=<HARNESS_ORG_ID>' \
--header 'SEI_API_KEY: <YOUR_SEI_API_KEY>' \
--header 'Content-Type: application/json' \
--data '{
  "scope": {
    "orgTreeName": "<ORG_TREE_NAME>"
  },
  "dateRange": {
    "start": "2025-10-01",
    "end": "2025-12-31"
  },
  "metricGroups": ["activity", "velocity", "volume", "quality", "collaboration"],
  "options": {
    "aggregationLevel": "developer",
    "granularity": "monthly",
    "aggregation": "mean",
    "format": "csv"
  }
}'
