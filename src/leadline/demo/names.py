"""Made-up names for the demo organization: people, sites, products and the words of titles.

Given and family names are combined at random; any likeness to a living person is chance.
"""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ORGANIZATION = "acme"
DOMAIN = "example.com"

GIVEN = _words(
    "Ada Aiko Alba Amara Anders Anita Arjun Asha Bela Bruno Camila Carlos Chidi Clara Daniel Deepa Diego Dina Edgar Elif Elena "
    "Emeka Erik Esra Farah Felix Fiona Gabriel Grace Hana Hassan Helga Hugo Ines Ingrid Isaac Ivan Jana Javier Jin Joana Jonas "
    "Kaito Karim Katya Kavya Kenji Kofi Lars Laura Leila Leon Lin Lucia Malik Marco Maria Maya Mei Mila Nadia Naveen "
    "Nia Nils Noor Olga Omar Otto Paula Pavel Petra Priya Quinn Rafael Ravi Renee Rosa Ruben Samir Sara Sofia Stefan "
    "Sunita Tariq Tessa Theo Tomas Uma Vera Victor Wanda Wei Yara Yusuf Zara Zoltan"
)

FAMILY = _words(
    "Abara Adeyemi Almeida Andersen Arslan Bauer Becker Bianchi Bose Castillo Chandra Chen Costa Dahl Danso Diaz Dubois "
    "Eriksen Farouk Fernandes Fischer Fontaine Garcia Ghosh Greene Haddad Hansen Hayashi Horvath Ibarra Ito Ivanova Jain "
    "Jansen Kaya Keller Khan Kim Kovacs Kowalski Kumar Larsen Lehmann Lindqvist Lopez Marino Mbeki Mehta Moreau Morozova "
    "Murphy Nakamura Navarro Ng Nielsen Novak Nowak Okafor Olsen Ortega Osei Park Patel Pereira Petrova Quist Rahman Reyes "
    "Ricci Rossi Sato Schmitt Schwarz Sharma Silva Singh Soto Suzuki Takeda Tanaka Torres Tran Ueda Vargas Vasquez Virtanen "
    "Wagner Walsh Weber Wong Yamada Yilmaz Young Zhang Zimmer"
)


@dataclass(frozen=True)
class Site:
    """An office: its IANA time zone, its public holidays as (month, day), and its share of the people."""

    name: str
    zone: str
    holidays: tuple[tuple[int, int], ...]
    share: float


SITES = (
    Site("Berlin", "Europe/Berlin", ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26)), 0.34),
    Site("New York", "America/New_York", ((1, 1), (6, 19), (7, 4), (11, 11), (11, 26), (11, 27), (12, 25)), 0.26),
    Site("Bengaluru", "Asia/Kolkata", ((1, 26), (5, 1), (8, 15), (10, 2), (11, 9), (12, 25)), 0.24),
    Site("Lisbon", "Europe/Lisbon", ((1, 1), (4, 25), (5, 1), (6, 10), (10, 5), (12, 1), (12, 8), (12, 25)), 0.1),
    Site("Tokyo", "Asia/Tokyo", ((1, 1), (1, 2), (1, 3), (2, 11), (4, 29), (5, 3), (5, 4), (5, 5), (11, 3)), 0.06),
)

AREAS = ("Commerce", "Platform", "Mobile", "Data", "Payments", "Identity", "Search", "Logistics", "Media", "Security")

GROUPS = ("Core", "Growth", "Foundations", "Partners", "Operations", "Experience", "Tools", "Quality")

PRODUCTS = _words(  # also the repositories; the first four letters differ
    "Checkout Catalog Basket Pricing Orders Returns Invoices Ledger Wallet Fraud Login Profiles Consent Audit Gateway "
    "Routing Storage Streams Reports Insights Ranking Crawler Suggest Maps Parcels Depot Fleet Images Player Captions "
    "Alerts Secrets Keyring Builds Runners Metering Quotas Loyalty Coupons Reviews"
)

LANGUAGES = {
    "py": ("src/{name}/{dir}/{word}.py", "tests/{dir}/test_{word}.py", "docs/{word}.md"),
    "go": ("internal/{dir}/{word}.go", "internal/{dir}/{word}_test.go", "cmd/{name}/{word}.go"),
    "ts": ("src/{dir}/{word}.ts", "src/{dir}/{word}.test.ts", "src/{dir}/{word}.css"),
    "java": ("src/main/java/{name}/{dir}/{word}.java", "src/test/java/{name}/{dir}/{word}Test.java", "docs/{word}.md"),
}
"""File patterns per language of a repository."""

FOLDERS = _words("api core store jobs events auth views models client server util config cache queue search billing")

WORDS = _words(
    "account address amount archive batch bucket budget buffer cart channel cipher client cluster column context counter "
    "currency cursor customer default delta device digest discount document draft engine entry error export factory feed "
    "field filter format gateway handler header history index ingest input invoice item journal label layout limit link "
    "listing loader lock mapper market message metric migration model monitor notice number offer option order output "
    "packet page parcel parser partner payment permit planner policy price printer profile query queue quota rating receipt "
    "record refund region registry report request resolver result retry role route rule sample schedule schema scope "
    "session setting shipment signal snapshot source state status stream summary table tariff task tenant token tracker "
    "transfer trigger upload user validator vault version view voucher watcher worker"
)

VERBS = {
    "feature": ("Add", "Support", "Introduce", "Show", "Allow", "Extend"),
    "bug": ("Fix", "Correct", "Guard against", "Handle", "Stop losing"),
    "chore": ("Update", "Clean up", "Configure", "Bump", "Automate"),
    "refactor": ("Simplify", "Split", "Move", "Rework", "Unify"),
    "docs": ("Document", "Describe", "Explain"),
}
"""First word of a title by kind of work."""
