"""Text of unknown origin."""


def well_formed(text: str) -> str:
    """Text that UTF-8 can encode: an unpaired surrogate becomes U+FFFD."""
    return str(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
