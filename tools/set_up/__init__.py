"""What `.ci/set-up` puts into an environment, or does to it.

`aws` stands in its folder of scripts and starts AWS's command line, which `aws_cli` unpacks;
`scripts` lets scripts start from any folder, and `with_own_libraries` runs PostgreSQL of another
Debian than this machine's. They import nothing but the reading of options.
"""
