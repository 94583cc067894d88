# Shared by the scripts beside it: finds a Python and sees that the private environment in .venv is ready.
# Sourced with `root` set to the checkout; leaves `venv` set. PYTHON in the environment names another interpreter.
venv=$root/.venv
for python in "$venv/bin/python" python3 python3.13 python3.12 python3.11 python; do
    python=${PYTHON:-$python}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break
    python=
done
if [ -z "$python" ]; then
    echo "error: vppmarket needs Python 3.11 or newer and ${PYTHON:-PATH} has none; install it, or set PYTHON" >&2
    exit 4
fi
"$python" "$root/scripts/set_up.py"
