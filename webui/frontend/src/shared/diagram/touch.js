// Fingers on a read-only diagram: a horizontal drag moves it, a vertical one scrolls the page, two fingers zoom.

export function touchNavigation(host, canvas) {
  const fingers = new Map();
  let distance = 0;
  host.style.touchAction = "pan-y";

  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  const centre = () => {
    const [a, b] = [...fingers.values()];
    const box = host.getBoundingClientRect();
    return { x: (a.x + b.x) / 2 - box.left, y: (a.y + b.y) / 2 - box.top };
  };

  host.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) distance = spread();
  });
  host.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 1) canvas.scroll({ dx: event.clientX - before.x, dy: event.clientY - before.y });
    if (fingers.size === 2 && distance > 0) {
      const now = spread();
      canvas.zoom(Math.min(4, Math.max(0.2, (canvas.zoom() * now) / distance)), centre());
      distance = now;
    }
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) host.addEventListener(end, (event) => fingers.delete(event.pointerId));
}
