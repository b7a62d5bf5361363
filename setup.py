"""Everything is in pyproject.toml; this refuses a setuptools that cannot read it."""

import setuptools

OLDEST = 68

if int(setuptools.__version__.split(".")[0]) < OLDEST:
    # It would make an empty package named UNKNOWN and succeed. Build isolation, which should keep
    # it away, does not with the pip of Ubuntu 22.04 where the system's packages are visible.
    raise SystemExit(
        f"setuptools {setuptools.__version__} cannot build this, {OLDEST} or newer is needed; "
        "a newer pip obtains one by itself: python -m pip install --upgrade pip"
    )

setuptools.setup()
