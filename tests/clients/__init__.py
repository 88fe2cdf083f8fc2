"""Other people's Mixpanel clients against the simulator. Never part of the usual tests."""
