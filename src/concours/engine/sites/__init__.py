"""Sites: machines of others, whose rows may not leave, as a place where jobs run. Messages go by Flower."""

import concours.engine.quiet  # noqa: F401 (before Flower)
