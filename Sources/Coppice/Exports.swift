@_exported import Passes
@_exported import Runtime
