import CofferModel

/// A built-in function.
struct TemplateFunction: Sendable {
    enum Body: Sendable {
        /// Depends on its arguments alone.
        case values(@Sendable (FunctionArguments) throws -> JSONValue)
        /// Depends on the deployment or the place too.
        case context(@Sendable (FunctionArguments, Evaluator, EvaluationContext) throws -> JSONValue)
        /// Evaluates its arguments itself, some of them or several times.
        case lazy(@Sendable (Expression.Call, Evaluator, EvaluationContext) throws -> JSONValue)
    }

    let arity: ClosedRange<Int>
    let body: Body

    static func of(_ arity: ClosedRange<Int>, _ body: @escaping @Sendable (FunctionArguments) throws -> JSONValue) -> TemplateFunction {
        TemplateFunction(arity: arity, body: .values(body))
    }

    static func of(_ count: Int, _ body: @escaping @Sendable (FunctionArguments) throws -> JSONValue) -> TemplateFunction {
        of(count...count, body)
    }

    static func inContext(
        _ arity: ClosedRange<Int>, _ body: @escaping @Sendable (FunctionArguments, Evaluator, EvaluationContext) throws -> JSONValue
    ) -> TemplateFunction {
        TemplateFunction(arity: arity, body: .context(body))
    }

    static func lazy(
        _ arity: ClosedRange<Int>, _ body: @escaping @Sendable (Expression.Call, Evaluator, EvaluationContext) throws -> JSONValue
    ) -> TemplateFunction {
        TemplateFunction(arity: arity, body: .lazy(body))
    }
}

/// All built-in functions by name, which compares without regard to case. One family a file; the reference is Azure's "ARM template functions".
enum FunctionTable {
    /// Stands for any number of arguments.
    static let any = 10_000

    static func function(_ name: String) -> TemplateFunction? {
        let key = name.lowercased()
        return functions[key] ?? (key.hasPrefix("list") ? ResourceFunctions.list : nil)
    }

    private static let functions: [String: TemplateFunction] = {
        var all: [String: TemplateFunction] = [:]
        let families = [
            StringFunctions.all, TextEncodingFunctions.all, ArrayFunctions.all, ObjectFunctions.all, LogicalFunctions.all, NumericFunctions.all,
            DateFunctions.all, DeploymentFunctions.all, ResourceFunctions.all, LambdaFunctions.all, NetworkFunctions.all, HashFunctions.all,
        ]
        for family in families { for (name, function) in family { all[name.lowercased()] = function } }
        return all
    }()
}

/// The arguments of a call, each with the type that the function takes.
struct FunctionArguments {
    let name: String
    let values: [JSONValue]

    var count: Int { values.count }

    subscript(index: Int) -> JSONValue { index < values.count ? values[index] : .null }

    func failure(_ reason: String) -> TemplateFailure { TemplateFailure("The template function '\(name)' is not valid: \(reason)") }

    func mismatch(_ index: Int, _ wanted: String) -> TemplateFailure {
        failure("its argument \(index + 1) must be \(wanted) and is \(self[index].typeName)")
    }

    func string(_ index: Int) throws -> String {
        guard case .string(let text) = self[index] else { throw mismatch(index, "a string") }
        return text
    }

    func optionalString(_ index: Int) throws -> String? {
        index < count && self[index] != .null ? try string(index) : nil
    }

    func int(_ index: Int) throws -> Int64 {
        guard let value = self[index].int else { throw mismatch(index, "an integer") }
        return value
    }

    func array(_ index: Int) throws -> [JSONValue] {
        guard case .array(let elements) = self[index] else { throw mismatch(index, "an array") }
        return elements
    }

    func object(_ index: Int) throws -> [String: JSONValue] {
        guard case .object(let members) = self[index] else { throw mismatch(index, "an object") }
        return members
    }

    func bool(_ index: Int) throws -> Bool {
        guard case .bool(let value) = self[index] else { throw mismatch(index, "a boolean") }
        return value
    }

    /// Refuses to make a text of so many bytes if that is too many, before any memory is taken for it.
    func checkFits(_ bytes: Int) throws {
        guard bytes <= TemplateLimits.text else { throw failure("it would make a text of more than \(TemplateLimits.text >> 20) MiB") }
    }

    /// Refuses to look for so many things in so many places, one by one.
    func checkSearch(_ things: Int, in places: Int) throws {
        guard things.multipliedReportingOverflow(by: places).partialValue <= TemplateLimits.effort, !things.multipliedReportingOverflow(by: places).overflow else {
            throw failure("its texts are too long to be searched")
        }
    }

    /// All arguments as strings.
    func strings() throws -> [String] { try values.indices.map { try string($0) } }
}
