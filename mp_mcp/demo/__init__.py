"""A small simulated Mixpanel and the two-minute tour; also the fake that the tests use."""
