"""Set the highest rate limit tier that API keys of an organisation may have: `python -m infra.deploy.tiers --stage
production --organisation org_… --tier high`.

`make tier` calls it with the operator's own credentials; no route of the API can change the tier. Tiers and tables are
those in the settings of the stage's API function.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from argus.container import Container
from argus.core.errors import ArgusError
from argus.core.settings import Settings
from infra.deploy.environment import Account, Environment
from infra.deploy.functions import FUNCTIONS


def main(arguments: Sequence[str], *, environment: Callable[[], Environment] = Account.of_environment) -> int:
    """Run the command; returns 0, or 1 with the reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        argus = Container(_settings(environment(), options.stage))
        organisation = argus.identity.organisation(options.organisation)
        argus.keys.allow(organisation.id, options.tier)
    except ArgusError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"AWS: {error}\n")
        return 1
    sys.stdout.write(f"API keys of {organisation.name} ({organisation.id}) may now have the tier {options.tier}\n")
    return 0


def _settings(environment: Environment, stage: str) -> Settings:
    api, *_ = FUNCTIONS
    running = environment.client("lambda").get_function_configuration(FunctionName=api.name(stage))
    return Settings.from_env({**running["Environment"]["Variables"], "AWS_REGION": environment.region})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.deploy.tiers", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--organisation", required=True, help="the organisation's id")
    parser.add_argument("--tier", required=True, help="a tier of ARGUS_KEY_RATE_LIMITS")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
