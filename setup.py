"""Builds the optional native extension and carries the experiment files into the installed package.

Everything else is in pyproject.toml. Without a compiler, or with `PYSOT_BUILD_EXT=0`, the install succeeds and the
toolkit runs on numba.
"""

import os
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent


def region_extension() -> list[Extension]:
    """The region-overlap binding, or nothing when the user switched it off or Cython is absent."""
    if os.environ.get("PYSOT_BUILD_EXT", "1") == "0":
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    # Fused multiply-adds would make the result depend on the processor, and differ from numba's.
    flags = ["/O2", "/std:c++17"] if sys.platform == "win32" else ["-O3", "-std=c++17", "-ffp-contract=off"]
    extension = Extension(
        "toolkit.utils._region",
        sources=["toolkit/utils/region.pyx", "csrc/region.cpp"],
        include_dirs=["csrc"],
        language="c++",
        extra_compile_args=flags,
        optional=True,
    )
    return cythonize([extension], language_level=3, build_dir="build")


class OptionalBuildExt(build_ext):
    """`build_ext` that turns every build failure into one line: the numba path answers instead."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            print(f"The native region extension was not built ({error}); the toolkit will use numba.", file=sys.stderr)


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


setup(ext_modules=region_extension(), cmdclass={"build_ext": OptionalBuildExt, "build_py": BuildWithExperiments})
