// Says while the parts are typed what is left of the value; the server checks them anyway.
const form = document.getElementById("split");
const left = document.getElementById("left");

const cents = (text) => (/^\d{1,12}(\.\d{1,2})?$/.test(text) ? Math.round(text * 100) : NaN);

const tell = () => {
  const parts = [...form.querySelectorAll("input")].map((input) => input.value.trim() || "0");
  const rest = parts.reduce((sum, part) => sum - cents(part), cents(form.dataset.value));
  const amount = `${left.dataset.currency} ${(Math.abs(rest) / 100).toFixed(2)}`;
  left.className = rest === 0 ? "even" : "";
  if (Number.isNaN(rest)) left.value = "";
  else if (rest === 0) left.value = "It adds up";
  else left.value = `${amount} ${rest < 0 ? "too much" : "left"}`;
};

form.addEventListener("input", tell);
tell();
