"""What Argus stands on: CloudFormation templates, their deployment, and the embedded AWS."""
