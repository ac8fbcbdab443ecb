// What fills the room "Playground".
