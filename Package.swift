// swift-tools-version: 6.2
import PackageDescription

/// One library of the house: what it may import of ours, and which outside products it is allowed.
struct Row {
    let name: String
    let needs: [String]
    var outside: [Target.Dependency] = []
    var exclude: [String] = []
}

/// One row per library, in the order the house is built. A target may depend only on rows above it.
/// `HouseRulesTests` reads this table and holds the sources against it.
let house: [Row] = [
    // Ground: no domain words.
    Row(name: "CofferCore", needs: [], outside: ["CLinux"]),
    Row(name: "CofferCrypto", needs: ["CofferCore"], outside: ["COpenSSL", "CCrypt", "CBatchRSA", "CBatchECDSA", "CXTS"], exclude: ["README.md"]),
    // Language: values every part speaks.
    Row(name: "CofferModel", needs: ["CofferCore"]),
    Row(name: "CofferTemplates", needs: ["CofferModel", "CofferCore", "CofferCrypto"]),
    // Platform: the ports that services plug into, and the one place that speaks HTTP.
    Row(name: "CofferPlatform", needs: ["CofferModel", "CofferCore"]),
    Row(name: "CofferHTTP", needs: ["CofferPlatform", "CofferModel", "CofferCore"], outside: ["CLinux", .nioCore, .nioPosix, .nioHTTP1, .nioSSL, .lifecycle, .logging]),
    // Services: one row, no sideways arrows.
    Row(name: "CofferIdentity", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferResources", needs: ["CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferVault", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferCompute", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferNetwork", needs: ["CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferMonitor", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferDeployments", needs: ["CofferPlatform", "CofferTemplates", "CofferModel", "CofferCore"]),
    // Disk images of other programs.
    Row(name: "CofferImport", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    // Virtual machines.
    Row(name: "CofferQEMU", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"], outside: ["CLinux"], exclude: ["README.md"]),
    // Ports of this host that lead to guests.
    Row(name: "CofferBalancer", needs: ["CofferPlatform", "CofferModel", "CofferCore"], outside: [.nioCore, .nioPosix]),
    // The NBD protocol's numbers and its client; then disks' contents, read and written through their exports.
    Row(name: "CofferNBDWire", needs: ["CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferNBDClient", needs: ["CofferPlatform", "CofferNBDWire", "CofferModel", "CofferCore"]),
    // Stores: drivers behind one port, and the seal over them.
    Row(name: "CofferSQLite", needs: ["CofferPlatform", "CofferCore"], outside: [.grdb]),
    Row(name: "CofferPostgres", needs: ["CofferPlatform", "CofferCore"], outside: ["CPostgres"]),
    Row(name: "CofferCache", needs: ["CofferPlatform", "CofferCore"]),
    Row(name: "CofferSeal", needs: ["CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferToken", needs: ["CofferPlatform", "CofferCore", "CofferCrypto"], outside: ["CPKCS11"]),
    // Disk: its own staircase, without HTTP or a database.
    Row(name: "CofferDiskFormat", needs: ["CofferCore", "CofferCrypto", "CofferModel"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferBlock", needs: ["CofferDiskFormat", "CofferCrypto", "CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferRBD", needs: ["CofferBlock", "CofferDiskFormat", "CofferModel", "CofferCore"], outside: ["CRBD"], exclude: ["README.md"]),
    Row(name: "CofferNBD", needs: ["CofferBlock", "CofferNBDWire", "CofferCrypto", "CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferDiskLink", needs: ["CofferBlock", "CofferNBDWire", "CofferCrypto", "CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferVhost", needs: ["CofferBlock", "CofferDiskFormat", "CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    Row(name: "CofferDiskControl", needs: ["CofferModel", "CofferCore"], outside: ["CLinux"], exclude: ["README.md"]),
    // Clients.
    Row(name: "CofferClient", needs: ["CofferModel", "CofferCore"], outside: [.asyncHTTPClient, .nioCore, .nioHTTP1, .nioSSL]),
    // Doubles and clocks that tests share.
    Row(name: "CofferTesting", needs: ["CofferPlatform", "CofferModel", "CofferCore"]),
]

let executables: [Row] = [
    Row(name: "coffer", needs: [
        "CofferCore", "CofferCrypto", "CofferModel", "CofferPlatform", "CofferHTTP", "CofferIdentity", "CofferResources",
        "CofferVault", "CofferCompute", "CofferNetwork", "CofferDeployments", "CofferImport", "CofferNBDClient", "CofferQEMU", "CofferBalancer", "CofferMonitor", "CofferSQLite",
        "CofferPostgres", "CofferCache", "CofferSeal", "CofferToken",
        "CofferDiskControl", "CofferClient",
    ], outside: ["CLinux", "CMimalloc", .argumentParser, .nioCore, .lifecycle, .unixSignals, .logging]),
    Row(name: "coffer-diskd", needs: [
        "CofferCore", "CofferCrypto", "CofferModel", "CofferDiskFormat", "CofferBlock", "CofferRBD", "CofferNBDWire", "CofferNBD", "CofferDiskLink", "CofferVhost", "CofferDiskControl",
    ], outside: ["CLinux"]),
]

let tests: [Row] = [
    Row(name: "HouseRulesTests", needs: []),
    Row(name: "CofferCoreTests", needs: ["CofferCore", "CofferTesting"]),
    Row(name: "CofferCryptoTests", needs: ["CofferCrypto", "CofferCore", "CofferTesting"]),
    Row(name: "CofferModelTests", needs: ["CofferTesting", "CofferModel", "CofferCore"]),
    Row(name: "CofferTemplatesTests", needs: ["CofferTemplates", "CofferTesting", "CofferModel", "CofferCore"]),
    Row(name: "StoreTests", needs: ["CofferSQLite", "CofferPostgres", "CofferCache", "CofferSeal", "CofferMonitor", "CofferPlatform", "CofferTesting", "CofferCrypto", "CofferModel", "CofferCore"]),
    Row(name: "CofferMonitorTests", needs: ["CofferMonitor", "CofferSeal", "CofferTesting", "CofferPlatform", "CofferCrypto", "CofferModel", "CofferCore"]),
    Row(name: "CofferIdentityTests", needs: ["CofferIdentity", "CofferSeal", "CofferTesting", "CofferPlatform", "CofferCrypto", "CofferModel", "CofferCore"]),
    Row(name: "CofferResourcesTests", needs: ["CofferResources", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferVaultTests", needs: ["CofferVault", "CofferSeal", "CofferToken", "CofferTesting", "CofferPlatform", "CofferCrypto", "CofferModel", "CofferCore"]),
    Row(name: "CofferTokenTests", needs: ["CofferToken", "CofferSeal", "CofferTesting", "CofferPlatform", "CofferCrypto", "CofferCore"], outside: ["CPKCS11"]),
    Row(name: "CofferComputeTests", needs: ["CofferCompute", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore", "CofferCrypto"]),
    Row(name: "CofferNetworkTests", needs: ["CofferNetwork", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferImportTests", needs: ["CofferImport", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferBalancerTests", needs: ["CofferBalancer", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"], outside: [.nioCore, .nioPosix]),
    Row(name: "CofferQEMUTests", needs: ["CofferQEMU", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferDeploymentsTests", needs: ["CofferDeployments", "CofferResources", "CofferTemplates", "CofferTesting", "CofferPlatform", "CofferModel", "CofferCore"]),
    Row(name: "CofferDiskFormatTests", needs: ["CofferDiskFormat", "CofferTesting", "CofferModel", "CofferCrypto", "CofferCore"]),
    Row(name: "CofferBlockTests", needs: ["CofferBlock", "CofferTesting", "CofferDiskFormat", "CofferModel", "CofferCrypto", "CofferCore"]),
    Row(name: "CofferNBDTests", needs: ["CofferNBD", "CofferTesting", "CofferNBDClient", "CofferNBDWire", "CofferDiskLink", "CofferPlatform", "CofferBlock", "CofferDiskFormat", "CofferModel", "CofferCrypto", "CofferCore"], outside: ["CLinux"]),
    Row(name: "CofferVhostTests", needs: ["CofferVhost"]),
    Row(name: "CofferDiskControlTests", needs: ["CofferDiskControl", "CofferTesting", "CofferNBDWire", "CofferModel", "CofferCrypto", "CofferCore"], outside: ["CLinux", "coffer-diskd"]),
]

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Tests run against the release build, so that one cold build serves the tests, the journeys and the user.
    .unsafeFlags(["-enable-testing"]),
]

extension Target.Dependency {
    static var grdb: Self { .product(name: "GRDB", package: "GRDB.swift") }
    static var asyncHTTPClient: Self { .product(name: "AsyncHTTPClient", package: "async-http-client") }
    static var lifecycle: Self { .product(name: "ServiceLifecycle", package: "swift-service-lifecycle") }
    static var unixSignals: Self { .product(name: "UnixSignals", package: "swift-service-lifecycle") }
    static var logging: Self { .product(name: "Logging", package: "swift-log") }
    static var nioCore: Self { .product(name: "NIOCore", package: "swift-nio") }
    static var nioPosix: Self { .product(name: "NIOPosix", package: "swift-nio") }
    static var nioHTTP1: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var nioSSL: Self { .product(name: "NIOSSL", package: "swift-nio-ssl") }
    static var argumentParser: Self { .product(name: "ArgumentParser", package: "swift-argument-parser") }
}

extension Row {
    var dependencies: [Target.Dependency] { needs.map { .init(stringLiteral: $0) } + outside }
}

let package = Package(
    name: "coffer",
    products: executables.map { .executable(name: $0.name, targets: [$0.name]) },
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets:
        [
            .target(name: "CBatchECDSA", path: "Sources/C/CBatchECDSA", exclude: ["field.inc"]),
            .target(name: "CBatchRSA", path: "Sources/C/CBatchRSA", exclude: ["operation.inc", "product.inc"]),
            .target(name: "CLinux", path: "Sources/C/CLinux"),
            .target(name: "CXTS", path: "Sources/C/CXTS", exclude: ["kernel.inc"]),
            .target(name: "CPKCS11", path: "Sources/C/CPKCS11"),
            .target(name: "CRBD", path: "Sources/C/CRBD"),
            .systemLibrary(name: "CCrypt", path: "Sources/C/CCrypt", providers: [.apt(["libcrypt-dev"])]),
            .systemLibrary(name: "COpenSSL", path: "Sources/C/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
            .systemLibrary(name: "CMimalloc", path: "Sources/C/CMimalloc", providers: [.apt(["libmimalloc-dev"])]),
            .systemLibrary(name: "CPostgres", path: "Sources/C/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        ]
        + house.map { .target(name: $0.name, dependencies: $0.dependencies, exclude: $0.exclude, swiftSettings: settings) }
        + executables.map { .executableTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings) }
        + tests.map { .testTarget(name: $0.name, dependencies: $0.dependencies, swiftSettings: settings) }
)
