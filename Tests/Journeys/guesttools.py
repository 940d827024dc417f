"""A disk image with Python, az and the Azure SDK, for a guest that can install nothing because its network is closed."""
import os
import pathlib
import shutil
import subprocess

# What `az login` and `az keyvault` need of az and of the SDK beside it; all of az is ten times as much.
AZURE_PARTS = ("azure/cli/core", "azure/cli/telemetry", "azure/cli/command_modules/profile", "azure/cli/command_modules/keyvault", "azure/core", "azure/common", "azure/identity", "azure/keyvault", "azure/mgmt/core", "azure/mgmt/keyvault",
               "azure/mgmt/resource", "azure/profiles")
LEFT_OUT = shutil.ignore_patterns("test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "pip", "setuptools", "site-packages",
                                  "dist-packages", "*.a", "config-3*")


def make_tools_image(stage, path):
    """An ext4 file system of what RUN expects, in a raw image of whole MiB."""
    root = stage.root / "tools"
    environment = pathlib.Path(stage.az_path).parents[1]
    interpreter = environment / "bin/python3"
    base, version = subprocess.run(
        [interpreter, "-c", "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2])"], check=True, capture_output=True, text=True).stdout.split()
    library = f"lib/python{version}"
    (root / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(interpreter), root / "bin/python3")
    shutil.copytree(f"{base}/{library}", root / library, ignore=LEFT_OUT, symlinks=False)
    packages, target = environment / library / "site-packages", root / library / "site-packages"
    shutil.copytree(packages, target, ignore=shutil.ignore_patterns("azure", "pip", "setuptools", "pygments", "tests"))
    for part in AZURE_PARTS:
        shutil.copytree(packages / part, target / part, ignore=shutil.ignore_patterns("tests"))
        # A package is one by what it has above it, too.
        for above in pathlib.Path(part).parents:
            if (packages / above / "__init__.py").exists():
                shutil.copy2(packages / above / "__init__.py", target / above / "__init__.py")
    shutil.copy2(packages / "azure/cli/__main__.py", target / "azure/cli/__main__.py")
    copy_libraries(root)
    copy_configuration(stage, root / "az")
    used = int(subprocess.run(["du", "-sm", root], check=True, capture_output=True, text=True).stdout.split()[0])
    with open(path, "wb") as image:
        image.truncate((used * 5 // 4 + 64) << 20)
    subprocess.run(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", "tools", "-d", root, path], check=True)
    shutil.rmtree(root)
    return path


def copy_libraries(root):
    """The shared libraries that the interpreter and its own extensions need, but for glibc's, which the guest has."""
    (root / "libraries").mkdir()
    for program in [root / "bin/python3", *root.rglob("*.so")]:
        for line in subprocess.run(["ldd", program], capture_output=True, text=True).stdout.splitlines():
            words = line.split()
            if len(words) > 2 and words[2].startswith("/") and not words[0].startswith(("libc.", "libm.", "libpthread.", "libdl.", "ld-")):
                shutil.copy2(os.path.realpath(words[2]), root / "libraries" / words[0])


def copy_configuration(stage, target):
    """Which cloud it is and where az finds its commands; nothing of who is signed in on the host."""
    target.mkdir()
    source = pathlib.Path(stage.environment["AZURE_CONFIG_DIR"])
    for name in ("clouds.config", "config", "commandIndex.json", "versionCheck.json"):
        if (source / name).exists():
            shutil.copy2(source / name, target / name)


# Shell lines that mount the image and define `python` and `az`.
RUN = """
mkdir -p /tools && { mountpoint -q /tools || mount -o ro LABEL=tools /tools; }
mkdir -p /root/az && cp -n /tools/az/* /root/az/
export PYTHONHOME=/tools LD_LIBRARY_PATH=/tools/libraries AZURE_CONFIG_DIR=/root/az PYTHONDONTWRITEBYTECODE=1 HOME=/root
export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt AZURE_CORE_COLLECT_TELEMETRY=no AZURE_CORE_ONLY_SHOW_ERRORS=yes
python() { /tools/bin/python3 "$@"; }
az() { /tools/bin/python3 -m azure.cli "$@"; }
"""
