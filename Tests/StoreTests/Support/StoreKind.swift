import CofferCache
import CofferPlatform
import CofferPostgres
import CofferSQLite
import CofferTesting

/// The stores that the suite runs on.
enum StoreKind: String, CaseIterable, Sendable {
    case memory, sqlite, postgres
    /// The same behind a cache.
    case cachedMemory, cachedSQLite, cachedPostgres

    /// All that this machine has.
    static let available = allCases.filter { !$0.isPostgres || PostgresServer.isInstalled }
    /// Those that keep something, and run bodies on threads of their own.
    static let durable = available.filter { $0 != .memory && $0 != .cachedMemory }

    var isPostgres: Bool { self == .postgres || self == .cachedPostgres }

    /// A place for a new, empty store.
    func makePlace() throws -> StorePlace {
        switch self {
        case .memory, .cachedMemory:
            return StorePlace(kind: self, address: "", directory: nil)
        case .sqlite, .cachedSQLite:
            let directory = try TemporaryDirectory()
            return StorePlace(kind: self, address: directory.path + "/coffer.db", directory: directory)
        case .postgres, .cachedPostgres:
            guard let server = PostgresServer.shared else { throw PostgresServerError(text: "no server") }
            return StorePlace(kind: self, address: try server.makeDatabase(), directory: nil)
        }
    }

    func open(_ address: String) async throws -> any Store {
        switch self {
        case .memory: return InMemoryStore()
        case .sqlite: return try SQLiteStore(path: address)
        case .postgres: return try await PostgresStore(url: address, connections: 6)
        case .cachedMemory: return CachedStore(InMemoryStore(), feed: nil)
        case .cachedSQLite: return CachedStore(try SQLiteStore(path: address), feed: nil)
        case .cachedPostgres:
            let store = try await PostgresStore(url: address, connections: 6)
            return CachedStore(store, feed: store.changeFeed())
        }
    }
}

/// Where a store is. What it kept goes with the object.
struct StorePlace: Sendable {
    let kind: StoreKind
    let address: String
    let directory: TemporaryDirectory?

    func open() async throws -> any Store { try await kind.open(address) }
}

/// Runs `body` on a new store.
func withStore<R>(_ kind: StoreKind, _ body: (any Store) async throws -> R) async throws -> R {
    let place = try kind.makePlace()
    return try await body(try await place.open())
}

extension Store {
    func events(in stream: String, after: Int64, limit: Int) async throws -> [Event] {
        try await read { try $0.events(in: stream, after: after, limit: limit) }
    }
}
