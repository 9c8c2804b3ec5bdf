"""Creates, updates and deletes a stage in an account: `make deploy`, `destroy` and `package`.

Checked (`preflight`, with the checks beside it), planned (`deployment_plan`), confirmed, then
executed (`deploy`, `destroy`). It may import `account`, `packaging` and what lies above the
folders; the doctor, which checks what it makes, imports it.
"""
