"""What Drawer's answers mean."""

from leadline.sources.kit.records import Node, Rows, cleaned

SOURCE = "drawer"


def change_rows(repository: str, node: Node) -> Rows:
    """A change is a pull request."""
    row = cleaned(
        repository=repository,
        number=node.get("number"),
        title=node.get("title"),
        author=node.get("by"),
        state=node.get("state"),
        created_at=node.get("made"),
        merged_at=node.get("touched") if node.get("state") == "merged" else None,
        updated_at=node.get("touched"),
        source=SOURCE,
    )
    return {"pull_requests": [row]}


def release_rows(repository: str, node: Node) -> Rows:
    """A release."""
    return {"releases": [cleaned(repository=repository, tag=node.get("tag"), published_at=node.get("touched"))]}
