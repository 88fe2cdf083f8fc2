"""THE SHARED SERVER: owns everything that can conflict."""
