// swift-tools-version: 6.1
import PackageDescription

/// Imports point downwards only; see Docs/Architecture.md for the diagram.
let package = Package(
  name: "Coppice",
  products: [
    .library(name: "Coppice", targets: ["Coppice"]),
    .executable(name: "coppice", targets: ["CommandLineTool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "CONNX", dependencies: ["CProtobufC"], exclude: ["onnx.proto", "generate.sh"]),
    .target(name: "IR"),
    .target(name: "ONNXFile", dependencies: ["IR", "CONNX"]),
    .target(name: "Dimensions"),
    .target(name: "Kernels"),
    .target(name: "Operators", dependencies: ["IR", "Dimensions"]),
    .target(name: "Analysis", dependencies: ["Operators"]),
    .target(
      name: "Pruning",
      dependencies: ["Analysis", "Kernels", .product(name: "Crypto", package: "swift-crypto")]),
    .target(name: "Coppice", dependencies: ["Pruning", "ONNXFile"]),
    .executableTarget(
      name: "CommandLineTool",
      dependencies: ["Coppice", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Sources/CommandLine"),
    .target(name: "TestSupport", dependencies: ["IR"], path: "Tests/Support"),
    .testTarget(name: "DimensionsTests", dependencies: ["Dimensions"]),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "TestSupport"]),
    .testTarget(name: "RewriteTests", dependencies: ["Pruning", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
