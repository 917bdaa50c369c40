/// The passes pipelines can name.
public struct PassRegistry: Sendable {
  public let passes: [any Pass.Type]

  public init(_ passes: [any Pass.Type]) { self.passes = passes }

  /// Every pass of the project, listed here and nowhere else.
  public static let standard = PassRegistry([
    BiasCorrectionPass.self, EliminateDeadCodePass.self, FoldIdentityPass.self, HESSOPass.self, InspectPass.self,
    PrunePass.self, RecalibratePass.self, ReconstructPass.self, RefinePass.self, VerifyPass.self, WritePass.self,
  ])

  public func named(_ name: String) -> (any Pass.Type)? { passes.first { $0.name == name } }

  public var names: [String] { passes.map { $0.name } }
}
