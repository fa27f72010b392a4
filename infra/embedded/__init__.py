"""The embedded AWS: moto on 127.0.0.1, with the resources of our templates."""

HOST = "127.0.0.1"
ACCOUNT_ID = "123456789012"  # moto's default account
