"""The Flask application that Zappa serves, with its settings from the environment."""

from argus.app import create_app
from argus.container import Container

container = Container.from_env()
app = create_app(container)
