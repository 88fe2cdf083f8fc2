"""WHAT CAN BE DONE: one small function per tool; adding a tool is adding one function here."""
