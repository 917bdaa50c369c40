import Testing

@testable import DataSources
