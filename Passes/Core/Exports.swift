@_exported import Analysis
@_exported import IR
@_exported import ONNXFile
@_exported import Pruning
