import Coppice

/// Decides as `coppice plan --macs 50% --criterion synflow --scope global --rounds N` does.
func planByFlow(of path: String, rounds: Int) throws -> Plan {
  let model = try Model(contentsOf: path)
  var options = SelectionOptions(.macs(.fraction(0.5)))
  options.scope = .global
  let pass = PrunePass(options, scoring: try Scoring(named: "synflow"), rounds: rounds)
  let context = Context(model: model, source: Context.Source(path: path))
  return try pass.decide(model, context.analysis(of: model), in: context).plan
}
