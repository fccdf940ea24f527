"""SAM's template as the plain CloudFormation that AWS makes of it."""

import json
import logging
import os

# The translator wants a region for names of its own; nothing here calls AWS.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

# It counts its own runs, and complains when nobody wants the count.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

# A package that stands for the real ones.
SOME_PACKAGE = "s3://bucket/package"


class NoManagedPolicies:
    """The roles are our own, so the translator need not look up any of AWS's."""

    def load(self):
        return {}


def parameters(template, given=()):
    """The parameters' defaults, with what is given over them."""
    # One that has none is given at the deployment; nothing here depends on its value.
    defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
    return defaults | dict(given)


def translate(template, given=(), packages=None):
    """Plain CloudFormation. `packages` names the package of each function, by the function's logical name."""
    template = json.loads(json.dumps(template))
    template["Globals"]["Function"]["CodeUri"] = SOME_PACKAGE
    for function, package in (packages or {}).items():
        template["Resources"][function]["Properties"]["CodeUri"] = package
    return Translator(NoManagedPolicies(), Parser()).translate(template, parameters(template, given))
