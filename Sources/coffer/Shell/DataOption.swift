import ArgumentParser
import CofferClient

/// `--data DIR`, which every command takes.
struct DataOption: ParsableArguments {
    @Option(name: .long, help: "The data directory (default: $COFFER_DATA, else ./coffer-data).")
    var data: String?


    var directory: DataDirectory {
        DataDirectory(data ?? Environment["COFFER_DATA"] ?? "coffer-data")
    }
}
