"""Real servers, real files, many real client processes."""
