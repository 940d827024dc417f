import CofferModel
import Testing

@testable import CofferCompute

@Suite("Work on resources")
struct ResourceTasksTests {
    private let tasks = ResourceTasks()
    private let id = World.disk("a")

    @Test("What failed before anybody waited is told to who waits, once")
    func failedEarly() async throws {
        tasks.begin(id) { APIError.invalidParameter("It cannot be.", target: nil) }
        while tasks.isRunning(id) { await Task.yield() }
        #expect(await refusal { try await tasks.wait(for: id) }?.message == "It cannot be.")
        #expect(await refusal { try await tasks.wait(for: id) } == nil)
        tasks.begin(id) { APIError.invalidParameter("Nor now.", target: nil) }
        while tasks.isRunning(id) { await Task.yield() }
        #expect(await refusal { try await tasks.finish(id) }?.message == "Nor now.")
    }

    @Test("New work forgets why the last could not be done, and so does who ends it")
    func forgotten() async throws {
        tasks.begin(id) { APIError.invalidParameter("It cannot be.", target: nil) }
        while tasks.isRunning(id) { await Task.yield() }
        tasks.begin(id) { nil }
        try await tasks.finish(id)
        tasks.begin(id) {
            while !Task.isCancelled { await Task.yield() }
            return APIError.invalidParameter("It was ended.", target: nil)
        }
        await tasks.cancel(id)
        #expect(!tasks.isRunning(id))
        try await tasks.wait(for: id)
    }
}
