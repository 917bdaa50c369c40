@_exported import Passes
