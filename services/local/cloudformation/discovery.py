"""The templates of capabilities. The deployment names the shared ones itself."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
INFRA = _ROOT / "infra"
CAPABILITIES = _ROOT / "src" / "argus"


def capability_templates(infra: Path = INFRA, capabilities: Path = CAPABILITIES) -> tuple[Path, ...]:
    """The templates that are named for a capability's folder, in alphabetical order.

    They need the stage, the key and the roles, and nothing of each other.
    """
    return tuple(path for path in sorted(infra.glob("*.yaml")) if (capabilities / path.stem / "capability.py").exists())
