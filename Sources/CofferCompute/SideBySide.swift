/// Runs `body` for every item, at most `width` at a time, and returns what it returned in no particular order.
func sideBySide<Item: Sendable, R: Sendable>(
    _ items: [Item], width: Int = 8, _ body: @escaping @Sendable (Item) async throws -> R
) async throws -> [R] {
    try await withThrowingTaskGroup(of: R.self) { group in
        var results: [R] = []
        for (index, item) in items.enumerated() {
            if index >= width, let result = try await group.next() { results.append(result) }
            group.addTask { try await body(item) }
        }
        for try await result in group { results.append(result) }
        return results
    }
}
