// Passkeys: a form with data-passkey asks the browser for a key when it is sent, and carries the answer in its credential field.
//   data-passkey="create"   makes a passkey from data-options; the form's "passwordless" tick says whether it signs in alone
//   data-passkey="get"      uses one, from data-options
//   data-passkey="sign-in"  the same before anybody is signed in: the options are fetched from where the form leads

const REASONS = {
  NotAllowedError: "The browser gave no passkey: it was cancelled, it took too long, or there is none for this site here.",
  InvalidStateError: "This device or key has a passkey for your account already.",
  SecurityError: "Passkeys need the product's own name and https. On your own machine, open it as http://localhost instead of a number.",
};

async function create(form) {
  const options = JSON.parse(form.dataset.options).publicKey;
  const alone = form.elements.passwordless.checked;
  options.authenticatorSelection = {
    ...options.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    ...(alone ? { userVerification: "required" } : {}),
  };
  return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
}

async function get(options) {
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey) });
}

async function signIn(form) {
  const reply = await fetch(form.action, { headers: { accept: "application/json" } });
  if (!reply.ok) throw new Error(`${reply.status}`);
  return get((await reply.json()).request_options);
}

const WAYS = { create, get: (form) => get(JSON.parse(form.dataset.options)), "sign-in": signIn };

function refuse(form, error) {
  const notice = form.querySelector("[data-refused]");
  notice.hidden = false;
  notice.lastElementChild.textContent = REASONS[error.name] ?? "That did not work. Try again in a minute, or use another way.";
}

async function ask(form) {
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  form.querySelector("[data-refused]").hidden = true;
  try {
    form.elements.credential.value = JSON.stringify(await WAYS[form.dataset.passkey](form));
    form.submit();
  } catch (error) {
    button.disabled = false;
    refuse(form, error);
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-passkey]")) return;
  event.preventDefault();
  ask(event.target);
});
