#!/usr/bin/env bash
# Makes the C code of the ONNX schema with protoc-c (Debian: protobuf-c-compiler).
set -euo pipefail
cd "$(dirname "$0")"
protoc-c --c_out=. onnx.proto
mv onnx.pb-c.h include/
