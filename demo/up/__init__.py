"""`make up`: the app deployed into a local AWS, with production to restore and a stale staging.

`python -m demo.up` (`__main__.py`) is localaws with `build.py` put in it: `resources.py` (keys and
a network), `deployment.py` (the stage `local`, deployed as anybody would), `staging.py` (what an
earlier night left), `passwords.py` and `usage.py` (the page for people).

It may import localaws, chalicelib and the deployment. The demo itself, one folder up, is a client
of what runs here and imports none of them.
"""
