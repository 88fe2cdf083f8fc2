"""Charts of results: which chart an answer is, and its picture.

Never asks anything: an answer holds all that is drawn of it.
"""
