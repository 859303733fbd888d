"""The human evaluation of a correction: two pictures, three questions, hidden controls.

Nothing that settles judgements (judgements.py, settling.py, statistics.py) needs the page's server.
"""
