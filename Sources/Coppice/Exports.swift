@_exported import Calibration
@_exported import DataSources
@_exported import Files
@_exported import Passes
@_exported import Runtime
@_exported import SparseTraining
@_exported import Training
