/// What becomes of a public IP address when the machine that uses it is deleted.
enum DeleteOption: String, CaseIterable {
    case delete = "Delete"
    case detach = "Detach"
}
