"""Builds the optional native extensions and carries the experiment files into the installed package.

Everything else is in pyproject.toml. Without a compiler, or with `PYSOT_BUILD_EXT=0`, the install succeeds; region
overlap then runs on numba and RoI pooling on torch.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


NATIVE = {  # extension: its Cython source and the C++ it binds
    "toolkit.utils._region": ["toolkit/utils/region.pyx", "csrc/region.cpp"],
    "pysot.models.layers._prroi_pool": ["pysot/models/layers/prroi_pool.pyx", "csrc/prroi_pool.cpp"],
}


def native_extensions() -> list[Extension]:
    """The bindings of csrc/, or nothing when the user switched them off or Cython is absent."""
    if os.environ.get("PYSOT_BUILD_EXT", "1") == "0":
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    # Fused multiply-adds would make results depend on the processor, and the overlap differ from numba's.
    flags = ["/O2", "/std:c++17"] if sys.platform == "win32" else ["-O3", "-std=c++17", "-ffp-contract=off"]
    extensions = [
        Extension(name, sources, include_dirs=["csrc"], language="c++", extra_compile_args=flags, optional=True)
        for name, sources in NATIVE.items()
    ]
    return cythonize(extensions, language_level=3, build_dir="build")


class OptionalBuildExt(build_ext):
    """`build_ext` that turns every build failure into one line: numba and torch answer instead."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            print(f"The native extensions were not built ({error}); numba and torch are used.", file=sys.stderr)


class BuildWithExperiments(build_py):
    """`build_py` that also copies experiments/*/ into the package, so that an installed copy knows them by name."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for source in sorted((ROOT / "experiments").glob("*/*")):
            if source.suffix in (".yaml", ".safetensors"):
                target = Path(self.build_lib) / "pysot" / "experiments" / source.parent.name / source.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


setup(ext_modules=native_extensions(), cmdclass={"build_ext": OptionalBuildExt, "build_py": BuildWithExperiments})
