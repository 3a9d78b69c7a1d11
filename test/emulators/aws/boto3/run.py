"""Everything that boto3 checks: `python run.py`, in the environment that test/e2e/aws-emulator.e2e.ts makes."""

from checking import run
import ecr  # noqa: F401
import identity  # noqa: F401
import others  # noqa: F401

run()
