import Foundation
import Testing

/// The rules of the house, held against the sources themselves, so that declaring a dependency does not help.
@Suite struct HouseRulesTests {
    private let house = House()

    @Test func everyTargetImportsOnlyRowsAboveIt() throws {
        for file in house.sources {
            let row = try #require(house.rows[file.target], "\(file.target) is no row of Package.swift")
            for module in file.imports where module.hasPrefix("Coffer") {
                #expect(row.needs.contains(module), "\(file.path) imports \(module), which its row does not name")
                let other = try #require(house.rows[module])
                #expect(other.position < row.position, "\(file.path) imports \(module), which stands below it")
            }
        }
    }

    @Test func servicesNeverImportEachOther() {
        for file in house.sources where House.services.contains(file.target) {
            let sideways = file.imports.intersection(House.services)
            #expect(sideways.isEmpty, "\(file.path) imports \(sideways.sorted())")
        }
    }

    @Test func onlyRowsThatListenKnowTheFramework() {
        for file in house.sources where !["CofferHTTP", "CofferBalancer"].contains(file.target) {
            let framework = file.imports.filter { $0 == "NIOPosix" || $0.hasPrefix("Hummingbird") }
            #expect(framework.isEmpty, "\(file.path) imports \(framework.sorted())")
        }
    }

    @Test func theDiskHostHasNoHTTPAndNoDatabase() throws {
        let row = try #require(house.rows["coffer-diskd"])
        for module in row.needs {
            let files = house.sources.filter { $0.target == module }
            for file in files {
                #expect(file.imports.isDisjoint(with: ["AsyncHTTPClient", "GRDB", "CPostgres", "NIOSSL", "CofferPlatform"]), "\(file.path)")
            }
        }
    }

    @Test func onlyCryptoSpeaksToOpenSSL() {
        for file in house.sources where file.target != "CofferCrypto" {
            #expect(!file.imports.contains("COpenSSL") && !file.imports.contains("Crypto"), "\(file.path)")
        }
    }

    @Test func onlyOneRowSpeaksToCeph() {
        for file in house.sources where file.target != "CofferRBD" {
            #expect(!file.imports.contains("CRBD"), "\(file.path)")
        }
    }

    @Test func filesStayShort() {
        for file in house.sources {
            #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines; a file ends at 400")
        }
    }

    @Test func nothingTrapsOnPurpose() {
        let traps = ["try!", " as! ", "fatalError(", "TODO", "FIXME", "XXX"]
        for file in house.sources {
            for (number, line) in file.lines.enumerated() {
                for trap in traps {
                    #expect(!line.contains(trap), "\(file.path):\(number + 1) has \(trap)")
                }
            }
        }
    }

    @Test func typesAreNamedForWhatTheyAre() throws {
        let banned = try Regex("(struct|class|enum|actor|protocol) [A-Z][A-Za-z]*(Manager|Helper|Util|Utils|Impl)\\b")
        for file in house.sources {
            for (number, line) in file.lines.enumerated() {
                #expect(line.firstMatch(of: banned) == nil, "\(file.path):\(number + 1): \(line)")
            }
        }
    }

    @Test func everyPromiseNamesATestThatExists() throws {
        let text = try String(contentsOf: house.root.appending(path: "docs/PROMISES.md"), encoding: .utf8)
        let names = text.matches(of: /\[test: ([^\]]+)\]/).map { String($0.output.1) }
        #expect(!names.isEmpty)
        let tests = house.testTexts
        for name in names {
            let (file, function) = try #require(name.split(separator: "#").count == 2 ? (name.split(separator: "#")[0], name.split(separator: "#")[1]) : nil, "\(name) is not FILE#NAME")
            let found = tests.contains { $0.path.hasSuffix("/" + file) && $0.text.contains(function) }
            #expect(found, "docs/PROMISES.md names \(name), which is not there")
        }
    }
}
