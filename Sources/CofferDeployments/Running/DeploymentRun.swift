import CofferModel
import CofferPlatform
import CofferTemplates

/// Carries out a plan: resources in order of what they wait for, several at a time. Belongs to one task.
final class DeploymentRun {
    /// How many requests of a deployment are on their way at a time.
    static let width = 8

    /// How it ended.
    struct Outcome {
        var resources: [ResourceID] = []
        var failures: [(target: ResourceID?, error: APIError)] = []
        /// What was not deployed because of the failures.
        var left: [ResourceID] = []
        var outputs: JSONValue?
    }

    private enum Event: Sendable {
        case deployed(Int, Result<JSONValue, APIError>)
        case answered(Int, [RuntimeQuestion: Result<JSONValue, APIError>])
    }

    private let prepared: PreparedDeployment
    private let plan: DeploymentPlan
    private let answers: RuntimeAnswers
    private let step: ResourceStep
    private var waiting: [Int]
    private var dependents: [[Int]]
    private var ready: [Int] = []
    private var isDone: [Bool]
    private var outcome = Outcome()

    /// - Throws: ``TemplateFailure``, though the same plan was made before.
    init(_ prepared: PreparedDeployment, step: ResourceStep) throws {
        self.prepared = prepared
        self.step = step
        let plan = try prepared.plan()
        self.plan = plan
        answers = RuntimeAnswers(plan: plan)
        waiting = plan.resources.map(\.dependencies.count)
        isDone = plan.resources.map { _ in false }
        dependents = plan.resources.map { _ in [] }
        for (index, resource) in plan.resources.enumerated() { for dependency in resource.dependencies { dependents[dependency].append(index) } }
        ready = waiting.indices.filter { waiting[$0] == 0 }
    }

    /// - Throws: ``DeploymentProgress/Lost``, `CancellationError`, or an error of the store; a failure of a resource is in the outcome.
    func perform() async throws -> Outcome {
        try await deployAll()
        outcome.left = plan.resources.indices.filter { index in
            !isDone[index] && !outcome.failures.contains { $0.target == plan.resources[index].id }
        }.map { plan.resources[$0].id }
        if outcome.failures.isEmpty, prepared.body.mode == .complete { try await deleteTheRest() }
        if outcome.failures.isEmpty { try await evaluateOutputs() }
        return outcome
    }

    private func deployAll() async throws {
        try await withThrowingTaskGroup(of: Event.self) { group in
            var busy = 0
            while true {
                try Task.checkCancellation()
                while busy < Self.width, let index = ready.popLast() { if begin(index, in: &group) { busy += 1 } }
                guard busy > 0, let event = try await group.next() else { break }
                busy -= 1
                switch event {
                case .deployed(let index, .success(let answer)):
                    outcome.resources.append(plan.resources[index].id)
                    for inner in answer.member("properties")?.member("outputResources")?.array ?? [] where plan.resources[index].isDeployment {
                        if let id = inner.member("id")?.string.flatMap({ ResourceID($0) }) { outcome.resources.append(id) }
                    }
                    answers.forget(plan.resources[index].id)
                    finish(index)
                case .deployed(let index, .failure(let error)): outcome.failures.append((plan.resources[index].id, error))
                case .answered(let index, let found):
                    answers.keep(found)
                    ready.append(index)
                }
            }
        }
    }

    /// - Returns: Whether a request is on its way.
    private func begin(_ index: Int, in group: inout ThrowingTaskGroup<Event, any Error>) -> Bool {
        let resource = plan.resources[index]
        guard resource.isWanted, !resource.isExisting else {
            finish(index)
            return false
        }
        do {
            let body = try plan.body(of: index, runtime: answers)
            group.addTask { [step] in .deployed(index, try await step.deploy(resource, body)) }
            return true
        } catch let needed as RuntimeNeeded {
            group.addTask { [caller = step.caller] in .answered(index, await caller.answers(to: needed.questions)) }
            return true
        } catch let failure as TemplateFailure {
            outcome.failures.append((resource.id, step.mask.masked(failure.apiError)))
        } catch {
            outcome.failures.append((resource.id, APIError.invalidRequestContent("the resource cannot be written as JSON")))
        }
        return false
    }

    private func finish(_ index: Int) {
        isDone[index] = true
        for dependent in dependents[index] {
            waiting[dependent] -= 1
            if waiting[dependent] == 0 { ready.append(dependent) }
        }
    }

    private func evaluateOutputs() async throws {
        guard !plan.template.outputs.isEmpty else { return }
        while true {
            do {
                var outputs: [String: JSONValue] = [:]
                for (name, type, value) in try plan.outputs(runtime: answers) {
                    outputs[name] = value.map { ["type": .string(type), "value": $0] } ?? ["type": .string(type)]
                }
                outcome.outputs = .object(outputs)
                return
            } catch let needed as RuntimeNeeded {
                answers.keep(await step.caller.answers(to: needed.questions))
                try Task.checkCancellation()
            } catch let failure as TemplateFailure {
                let error = APIError(status: 400, code: "DeploymentOutputEvaluationFailed", message: step.mask.masked(failure.apiError).message)
                let operation = try await step.progress.begin(.evaluateOutputs, nil)
                try await step.progress.end(operation, error, status: 400)
                outcome.failures.append((nil, error))
                return
            }
        }
    }

    /// Complete mode: what is in the group and not in the template goes, in rounds, for some of it is used by other things that go too.
    private func deleteTheRest() async throws {
        let kept = Set(outcome.resources).union(plan.resources.filter(\.isExisting).map(\.id))
        var last: [(target: ResourceID?, error: APIError)] = []
        while true {
            try Task.checkCancellation()
            let listed = try await others(than: kept)
            last = []
            var deleted = 0
            for id in listed {
                let types = prepared.surroundings.types.first { $0.key.lowercased() == id.namespace?.lowercased() }?.value
                if let error = try await step.delete(id, apiVersion: types?.description(of: id)?.since ?? "2024-01-01") {
                    last.append((id, error))
                } else {
                    deleted += 1
                }
            }
            if deleted == 0 || last.isEmpty { break }
        }
        outcome.failures += last
    }

    private func others(than kept: Set<ResourceID>) async throws -> [ResourceID] {
        do {
            let listed = try await step.caller.get(path: "\(prepared.scope.text)/resources", apiVersion: "2021-04-01")
            let ids = (listed.member("value")?.array ?? []).compactMap { $0.member("id")?.string.flatMap { ResourceID($0) } }
            return ids.filter { id in !kept.contains { $0 == id || id.contains($0) } }
        } catch let error as APIError {
            outcome.failures.append((prepared.scope, error))
            return []
        }
    }
}

extension ResourceCaller {
    /// What the world says to questions of `reference` and `list…`.
    func answers(to questions: [RuntimeQuestion]) async -> [RuntimeQuestion: Result<JSONValue, APIError>] {
        var answers: [RuntimeQuestion: Result<JSONValue, APIError>] = [:]
        for question in questions { answers[question] = await answer(to: question) }
        return answers
    }

    private func answer(to question: RuntimeQuestion) async -> Result<JSONValue, APIError> {
        do {
            switch question {
            case .resource(let id, let apiVersion):
                return .success(try await get(id, apiVersion: apiVersion))
            case .list(let function, let id, let apiVersion, let text):
                let body = try text.map { try JSON.decode(JSONValue.self, from: Array($0.utf8)) }
                return .success(try await post("\(id.text)/\(function)", apiVersion: apiVersion, body: body))
            }
        } catch let error as APIError {
            return .failure(error)
        } catch {
            return .failure(APIError(status: 500, code: "InternalServerError", message: "A value of a resource could not be read."))
        }
    }
}
