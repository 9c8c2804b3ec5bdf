"""What every program of this repository has in common, before it does its own work.

An error that nobody expected is told in a sentence (`failures`), calls to this machine pass no
proxy (`loopback`), and a command line is read without dumps of its usage (`options`). `startup`
prepares a process for all of that. Nothing in here imports anything else of the project.
"""
