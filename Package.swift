// swift-tools-version: 6.1
import PackageDescription

/// Imports point downwards only; see Docs/Architecture.md for the diagram.
///
/// A target lists every module it imports, also those its dependencies bring along: what is not listed is not rebuilt
/// when the layout of that module's types changes.
let package = Package(
  name: "Coppice",
  products: [
    .library(name: "Coppice", targets: ["Coppice"]),
    .executable(name: "coppice", targets: ["CommandLineTool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .target(name: "CONNX", dependencies: ["CProtobufC"], exclude: ["onnx.proto", "generate.sh"]),
    .target(name: "IR"),
    .target(name: "Files", dependencies: ["IR"]),
    .target(name: "ONNXFile", dependencies: ["Files", "IR", "CONNX", "CProtobufC"]),
    .target(name: "Dimensions"),
    // Its declarations only: the library is loaded when it is needed, see Sources/Kernels/BLAS.swift.
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .target(name: "Kernels", dependencies: ["COpenBLAS"]),
    .target(name: "Operators", dependencies: ["IR", "Dimensions", "Kernels"]),
    .target(name: "Analysis", dependencies: ["Operators", "Dimensions", "IR"]),
    .target(name: "Runtime", dependencies: ["Analysis", "Operators", "Dimensions", "Kernels", "IR"]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .target(name: "DataSources", dependencies: ["Files", "IR", "CZlib", "CPNG", "CTurboJPEG"], path: "Sources/Data"),
    .target(
      name: "Training",
      dependencies: ["Runtime", "DataSources", "Files", "Analysis", "Operators", "Dimensions", "Kernels", "IR"]),
    .target(
      name: "Pruning",
      dependencies: [
        "Analysis", "Operators", "Dimensions", "IR", "Kernels", .product(name: "Crypto", package: "swift-crypto"),
      ]),
    .target(
      name: "Calibration",
      dependencies: [
        "Pruning", "Training", "Runtime", "DataSources", "Files", "Analysis", "Operators", "Dimensions", "Kernels",
        "IR",
      ]),
    .target(
      name: "SparseTraining",
      dependencies: [
        "Pruning", "Training", "Runtime", "DataSources", "Analysis", "Dimensions", "Kernels", "IR",
      ]),
    .target(
      name: "Passes",
      dependencies: [
        "Calibration", "SparseTraining", "Training", "DataSources", "Runtime", "Pruning", "ONNXFile", "Files",
        "Analysis", "Operators",
        "Dimensions", "Kernels", "IR",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Passes"),
    .target(
      name: "Coppice",
      dependencies: [
        "Passes", "Calibration", "SparseTraining", "Training", "DataSources", "Runtime", "Pruning", "ONNXFile", "Files",
        "Analysis", "Dimensions", "IR",
        .product(name: "Yams", package: "Yams"),
      ]),
    .executableTarget(
      name: "CommandLineTool",
      dependencies: [
        "Coppice", "Passes", "Calibration", "SparseTraining", "Training", "DataSources", "Runtime", "Pruning",
        "ONNXFile",
        "Files", "Analysis", "Operators", "Dimensions", "Kernels", "IR", "CMalloc",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Sources/CommandLine"),
    .executableTarget(name: "KernelBenchmark", dependencies: ["Kernels"], path: "Benchmarks/Kernels"),
    .target(name: "TestSupport", dependencies: ["IR"], path: "Tests/Support"),
    .testTarget(name: "DimensionsTests", dependencies: ["Dimensions"]),
    .testTarget(
      name: "OperatorsTests",
      dependencies: ["Pruning", "Analysis", "Operators", "Dimensions", "Kernels", "IR", "TestSupport"]),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "Operators", "Dimensions", "IR", "TestSupport"]),
    .testTarget(name: "IRTests", dependencies: ["IR"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "IR"]),
    .testTarget(name: "ONNXFileTests", dependencies: ["ONNXFile", "Files", "IR"]),
    .testTarget(
      name: "PassesTests",
      dependencies: [
        "Passes", "Calibration", "SparseTraining", "Training", "DataSources", "Pruning", "ONNXFile", "Files",
        "Analysis",
        "Dimensions", "IR", "TestSupport",
      ]),
    .testTarget(
      name: "CoppiceTests",
      dependencies: [
        "Coppice", "Passes", "Calibration", "Training", "DataSources", "Runtime", "Pruning", "ONNXFile", "Files",
        "Analysis", "Dimensions", "Kernels", "IR", "TestSupport",
      ]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "CommandLineTool", "Coppice", "Passes", "Calibration", "Training", "DataSources", "Pruning", "ONNXFile",
        "Files",
        "Analysis", "Operators", "IR", "TestSupport",
      ],
      exclude: ["Golden"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels"]),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "Runtime", "Passes", "Pruning", "Files", "Analysis", "Operators", "Dimensions", "Kernels", "IR", "TestSupport",
      ]),
    .testTarget(
      name: "DataSourcesTests", dependencies: ["DataSources", "Files", "IR", "CZlib", "CPNG", "CTurboJPEG"],
      path: "Tests/DataTests"),
    .testTarget(
      name: "TrainingTests",
      dependencies: [
        "Training", "Runtime", "DataSources", "Files", "Analysis", "Operators", "Dimensions", "Kernels", "IR",
        "TestSupport",
      ]),
    .testTarget(
      name: "CalibrationTests",
      dependencies: [
        "Calibration", "Pruning", "Training", "Runtime", "DataSources", "Files", "Analysis", "Operators", "Dimensions",
        "Kernels", "IR", "TestSupport",
      ]),
    .testTarget(
      name: "SparseTrainingTests",
      dependencies: [
        "SparseTraining", "Pruning", "Training", "Runtime", "DataSources", "Analysis", "Dimensions", "Kernels", "IR",
        "TestSupport",
      ]),
    .testTarget(name: "PruningTests", dependencies: ["Pruning", "Analysis", "Dimensions", "IR", "TestSupport"]),
    .testTarget(
      name: "RewriteTests",
      dependencies: ["Pruning", "Analysis", "Operators", "Dimensions", "IR", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
