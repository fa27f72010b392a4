"""Tags, which AWS services return in different formats."""

from collections.abc import Iterable, Mapping


def from_pairs(pairs: Iterable[Mapping[str, str]], *, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A list of pairs in the template's format, without those that CloudFormation adds itself."""
    return [{"Key": pair[key], "Value": pair[value]} for pair in pairs if not pair[key].startswith("aws:")]


def from_mapping(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return from_pairs({"Key": key, "Value": value} for key, value in tags.items())


def to_mapping(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {pair["Key"]: pair["Value"] for pair in pairs}
