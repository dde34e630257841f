#!/usr/bin/env bash
# Gradescope runs this once, as root, while it builds the image of an assignment. It makes, under /autograder/kit, a
# Python environment with the kit and its libraries, fetches MNIST, and grades the solution as a rehearsal.
#
# Variables, none of which Gradescope needs:
#   AUTOGRADER_BASE      the folder that holds source/, submission/ and results/ (default: /autograder)
#   AUTOGRADER_PYTHON    a Python from 3.11 to 3.13 that has everything in requirements.txt already (an image of your
#                        own, a test): no environment is made then
#   MNIST_LAB_KIT_CACHE  where MNIST and recorded trainings are kept (default: kit/cache in the base folder)
set -euo pipefail

base=${AUTOGRADER_BASE:-/autograder}
source=$base/source
kit=$base/kit
doing="starting"

finish() {
    local status=$?
    [ "$status" -eq 0 ] && return
    {
        echo
        echo "This autograder could not be set up. It failed while $doing (exit code $status); the reason stands above."
        echo "Next: mend that and upload the zip again (Configure Autograder). Most often the image has no way to the"
        echo "package index, or its Python is too old: choose Ubuntu 22.04 or newer as the base image."
    } >&2
}
trap finish EXIT

step() {
    doing=$1
    echo "--- $doing"
}

# fits PYTHON: is it from 3.11 to 3.13, and can it make virtual environments?
fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    local name
    for name in python3.12 python3.13 python3.11 python3; do
        if command -v "$name" >/dev/null && fits "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Prints the path of a Python that fits, and installs one where there is none.
get_python() {
    find_python && return
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get update
        apt-get install -y python3 python3-venv # Ubuntu 24.04 and newer, Debian 12 and newer
    } >&2
    find_python && return
    {
        apt-get install -y software-properties-common # Ubuntu 22.04
        add-apt-repository -y ppa:deadsnakes/ppa
        apt-get update
        apt-get install -y python3.12 python3.12-venv
    } >&2
    find_python && return
    echo "No Python from 3.11 to 3.13 is here, and none could be installed: TensorFlow has no packages for others." >&2
    return 1
}

umask 022
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV
export PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
export MNIST_LAB_KIT_CACHE="${MNIST_LAB_KIT_CACHE:-$kit/cache}"

# Tests and solution lie in source/: for root alone. Notebooks run as another user, who must reach Python.
step "closing the source folder to all but root"
chmod -R u=rwX,go= "$source"
chmod a+x "$base"
rm -rf "$kit"
mkdir -p "$kit"
mkdir -m 700 "$kit/home"
mkdir -p -m 700 "$MNIST_LAB_KIT_CACHE"

if [ -n "${AUTOGRADER_PYTHON:-}" ]; then
    python=$AUTOGRADER_PYTHON
else
    step "looking for Python"
    found=$(get_python)
    step "making an environment with $found"
    "$found" -m venv "$kit/venv"
    python=$kit/venv/bin/python
    step "installing the libraries: a few minutes"
    "$python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --compile \
        --require-hashes --requirement "$source/requirements.txt"
fi
printf '%s\n' "$python" >"$kit/python"

step "installing the kit"
cp -R "$source/kit" "$kit/lib"
chmod -R a+rX "$kit/lib"
"$python" -m compileall -q "$kit/lib"
export HOME=$kit/home PYTHONPATH=$kit/lib
cd "$kit"

step "fetching MNIST"
"$python" -P -m autograder data

step "grading the solution as a rehearsal"
"$python" -P -m autograder gradescope "$source/lab/solution.ipynb" "$HOME/rehearsal.json" \
    --autograder "$source/lab/autograder.zip" --solution "$source/lab/solution.ipynb" --rehearse

echo "This autograder is ready."
