/// The criteria users can name. Every one is listed here and nowhere else.
public enum Criteria {
  public static let all: [any Criterion] = byWeights + byGradients + byInputs

  private static let byWeights: [any Criterion] = [
    Magnitude(power: .absolute), Magnitude(power: .square), BatchNormScale(), LAMP(),
    FPGM(), RandomScore(),
  ]

  private static let byGradients: [any Criterion] = [
    SNIP(), GraSP(), CroP(), SynapticFlow(), Taylor(), Taylor(.square),
    FisherInformation(), HessianDiagonal(),
  ]

  private static let byInputs: [any Criterion] = [
    MeanActivation(), APoZ(), Wanda(), FLAP(), OBSPA(), ZipLM(),
  ]

  public static func named(_ name: String) -> (any Criterion)? { all.first { $0.name == name } }
}
