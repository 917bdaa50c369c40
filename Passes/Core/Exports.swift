@_exported import Analysis
@_exported import Dimensions
@_exported import Files
@_exported import IR
@_exported import Kernels
@_exported import ONNXFile
@_exported import Pruning
